package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// screen is a command for a person at a terminal.
func screen() int {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	size := func() {
		columns, rows, err := term.GetSize(1)
		fmt.Println("app sees", columns, "x", rows, err)
	}
	size()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case <-changed:
			size()
		case line, ok := <-lines:
			if !ok || line == "end" {
				return 4
			}
			fmt.Println("app reads", line, "on a", os.Getenv("TERM"))
		}
	}
}
