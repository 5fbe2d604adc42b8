// Package main is a version in Go: what it does with an event stands in the event.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	Text string `json:"text"`
}

func handle(ctx context.Context, e event) (map[string]string, error) {
	fmt.Println("printed by", e.Do)
	switch e.Do {
	case "fail":
		return nil, errors.New("an error of Go's")
	case "panic":
		panic("a panic of Go's")
	case "hang":
		time.Sleep(time.Minute)
	case "exit":
		os.Exit(3)
	}
	about, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	told, err := os.OpenFile(os.Getenv("TOLD"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer told.Close()
	fmt.Fprintln(told, about.AwsRequestID, e.Text, time.Until(deadline) > 0)
	return map[string]string{"told": e.Text}, nil
}

func main() {
	lambda.Start(handle)
}
