// Package front attacks pagesrun's HTTP server: clients that are slow, many, malicious or gone, beside one that is healthy and whose waiting is measured.
package front
