// Package ledger keeps the history of runs in the lake, as two small Delta
// tables below the destination: _paylake/runs has one row a run,
// _paylake/windows one row a window that was read. Anyone can query them;
// deleting them costs the history, and requests: `paylake status` reads them, and
// a sync looks in _paylake/windows which older partitions were not read for long.
// Without it all of them count as unread; they are read again within the budget.
//
// Invariants:
//   - a run makes at most one commit to each table, that of the windows first:
//     a run that has a row has its windows, unless its own warning says no;
//   - rows are only ever appended, whatever the order in which runs end, so a
//     commit has no mark: a mark would drop the row of a run that started
//     before another and ended after it;
//   - a table that cannot be written or read never stops a sync.
//
// The package holds no money and no secret: what it stores is what the run
// report holds. It imports schema, partitioning, writer, sink, sink/store,
// sink/delta and internal/report of this module.
package ledger
