// Command big is a service with the dependencies of a grown one: its binary is
// some 60 MB.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/grpc"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const line = 0

func main() {
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/aws", func(w http.ResponseWriter, r *http.Request) {
		c, err := config.LoadDefaultConfig(context.Background())
		fmt.Fprintln(w, line, err)
		a, err := s3.NewFromConfig(c).ListBuckets(r.Context(), nil)
		fmt.Fprintln(w, a, err)
		b, err := dynamodb.NewFromConfig(c).ListTables(r.Context(), nil)
		fmt.Fprintln(w, b, err)
		d, err := ec2.NewFromConfig(c).DescribeInstances(r.Context(), nil)
		fmt.Fprintln(w, d, err)
	})
	http.HandleFunc("/kubernetes", func(w http.ResponseWriter, r *http.Request) {
		c, err := rest.InClusterConfig()
		if err != nil {
			fmt.Fprintln(w, err)
			return
		}
		k, err := kubernetes.NewForConfig(c)
		fmt.Fprintln(w, k, err)
	})
	http.HandleFunc("/grpc", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, grpc.NewServer().GetServiceInfo())
	})
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
