// Command guest is an ordinary program for the tests: it formats, sorts, uses maps, goroutines and recursion, and prints a checksum.
package main

import (
	"fmt"
	"hash/crc32"
	"sort"
	"strings"
	"sync"
)

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return nil
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

func (t *tree) count() int {
	if t == nil {
		return 0
	}
	return 1 + t.left.count() + t.right.count()
}

func main() {
	words := map[string]int{}
	for i := range 20_000 {
		words[fmt.Sprintf("word%d", i*i%1009)]++
	}
	names := make([]string, 0, len(words))
	for w, n := range words {
		names = append(names, fmt.Sprintf("%s=%d", w, n))
	}
	sort.Strings(names)
	var wg sync.WaitGroup
	sums := make([]int, 8)
	for i := range sums {
		wg.Go(func() { sums[i] = grow(10 + i%3).count() })
	}
	wg.Wait()
	fmt.Println(len(names), crc32.ChecksumIEEE([]byte(strings.Join(names, ","))), sums)
}
