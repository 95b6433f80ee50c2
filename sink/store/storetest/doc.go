// Package storetest is the suite that every [store.Store] passes. Only tests
// import it; it imports only sink/store.
package storetest
