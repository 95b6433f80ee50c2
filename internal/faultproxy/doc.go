// Package faultproxy is a reverse proxy that misbehaves on purpose. Tests put
// it in front of the simulated API and of an S3 server, and so see what a sync
// does when answers are lost, connections are cut and servers are overloaded.
//
// Invariants:
//   - a request without a fault passes through unchanged: path, query, headers,
//     Host and body reach the server as they came, so that signatures hold;
//   - what a fault does to the server is sure: with LostAnswer and CutAnswer the
//     request took effect as a whole, with CutBefore, Stall and the answers of
//     the proxy itself the server never saw it;
//   - the same plan and the same order of requests give the same faults.
//
// Bodies of answers are held in memory. The package is for tests and imports
// nothing of this module.
package faultproxy
