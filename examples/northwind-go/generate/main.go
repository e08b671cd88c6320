// Command generate writes the trading company's order database as SQL: the schema, then every row, always the same for the same flags.
//
//	go run ./generate >orders.sql
//	pagesrun d1 execute DB --file orders.sql
package main

import (
	"bufio"
	_ "embed"
	"flag"
	"fmt"
	"os"
)

//go:embed schema.sql
var schema string

func main() {
	seed := flag.Uint64("seed", 1, "the `NUMBER` all else follows from")
	size := sizes{}
	flag.IntVar(&size.customers, "customers", 900, "how many `CUSTOMERS` there are")
	flag.IntVar(&size.products, "products", 600, "how many `PRODUCTS` there are")
	flag.IntVar(&size.orders, "orders", 28_000, "how many `ORDERS` there are; each has one to six lines")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprint(out, schema)
	newCompany(*seed, size).write(out)
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
