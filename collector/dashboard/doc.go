// Package dashboard is the collector's pages for people. They are made on the server and whole
// without JavaScript, which only keeps them fresh and shows times in the reader's zone.
//
// What nodes say goes into pages as text by html/template alone. Nothing is inline and nothing
// comes from elsewhere, and the Content-Security-Policy says so.
package dashboard
