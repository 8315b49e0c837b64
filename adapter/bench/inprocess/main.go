// Command inprocess serves the benchmark's app with aws-lambda-go in one process:
// what a Go service does that is written for the platform.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/twofoldhq/twofold/adapter/bench/handler"
)

func main() {
	lambda.Start(httpadapter.NewV2(handler.New()).ProxyWithContext)
}
