// Command echo is the app of the benchmark: an ordinary server that reads the
// body and sends it back.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/twofoldhq/twofold/adapter/bench/handler"
)

func main() {
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), handler.New()))
}
