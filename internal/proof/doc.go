// Package proof holds tests only: a simulated merchant lives through months and
// years of virtual time while every day a sync of the real pipeline runs under
// the documented limits, with the default refresh policy and the history that
// the runs wrote. Records change at every age, are removed, appear late; hooks
// are missing, the API is down for days, its contract changes.
//
// After every run it is checked that
//
//   - the report is right: the watermark, the windows that were read and their
//     rows, the records that were removed;
//   - every partition that was read holds what the merchant had at that moment,
//     and no other row changed but those that a merge by key brought, which are
//     what the merchant had;
//   - every partition was read as lately as the refresh policy promises.
//
// Together: after every run the lake equals the truth for everything that the
// policy promises by then. What the lake holds is taken from the log after each
// run and from the rows of the data files every two months and at the end.
//
// The truth comes from internal/simapi without HTTP. It passes through the
// decoder of the schema before it is compared, so a mistake of the decoder is
// not seen here but by the tests of schema; the comparison of the data files
// reads ids, states, amounts and times with encoding/json.
//
// The long life has the build tag proof: make proof.
package proof
