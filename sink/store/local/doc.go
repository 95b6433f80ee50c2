// Package local is a [store.Store] in a directory of the local file system:
// the key is the path below the directory.
//
// A write goes to a hidden file ".tmp-<uuid>" in the target's own directory,
// is synced, and is then renamed (Put) or hard-linked (Create) to its name;
// the directory is synced last. So readers never see a part of an object, and
// a Create that fails with "exists" means exactly that. A process that dies
// may leave a hidden file behind; no listing shows it and no reader reads it.
//
// Symbolic links below the directory are followed only while they stay inside
// it; listings leave them out. The file system must know hard links.
// The package imports only sink/store.
package local
