// Package s3 is a [store.Store] in a bucket of AWS S3 or of a server that
// speaks its protocol.
//
// An object is written by one PutObject, or by a multipart upload when it is
// large; both show it whole or not at all. Create is PutObject with
// "If-None-Match: *" (Amazon S3 user guide, "conditional writes"). Because
// some servers refuse that header, or accept and ignore it, a Store proves once, before
// its first Create, that the server refuses a second object under one key.
//
// Invariants:
//   - a Create whose outcome is unknown is not sent again and never ends as
//     [store.ErrExists] on that account; the caller reads the key to find out;
//   - an object that is cut short on its way is read on or fails, it is never
//     taken for the whole;
//   - no upload stays unfinished when Put returns, unless the error says so;
//   - credentials come from the usual chain of the AWS SDK only, and no
//     credential or signature appears in an error.
//
// It knows nothing of tables. The package imports only sink/store.
package s3
