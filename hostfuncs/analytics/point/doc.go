// Package point reads data points from the messages of guests, and says which of them are over a limit.
package point
