// Publishes with the SDKs for Go: publish cloudevents URL MODE, or publish putevents URL; JSON on stdin.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

type fields struct {
	ID, Source, Type, Subject, Customer string
	Time                                time.Time
	Data                                json.RawMessage
}

func cloudEvent(given fields) cloudevents.Event {
	event := cloudevents.NewEvent()
	event.SetID(given.ID)
	event.SetSource(given.Source)
	event.SetType(given.Type)
	event.SetSubject(given.Subject)
	event.SetTime(given.Time)
	event.SetExtension("customer", given.Customer)
	must(event.SetData(cloudevents.ApplicationJSON, given.Data))
	return event
}

// The client is asked for one event, as a program would; a batch is written by the SDK and sent by hand.
func sendCloudEvents(url, mode string, given []fields) any {
	events := make([]cloudevents.Event, len(given))
	for i := range given {
		events[i] = cloudEvent(given[i])
	}
	if mode == "batched" {
		request, err := cehttp.NewHTTPRequestFromEvents(context.Background(), url, events)
		must(err)
		response, err := http.DefaultClient.Do(request)
		must(err)
		body, err := io.ReadAll(response.Body)
		must(err)
		return map[string]any{"status": response.StatusCode, "body": json.RawMessage(body)}
	}
	client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(url))
	must(err)
	ctx := context.Background()
	if mode == "structured" {
		ctx = binding.WithForceStructured(ctx)
	}
	result := client.Send(ctx, events[0])
	var answer *cehttp.Result
	if !errors.As(result, &answer) {
		must(result)
	}
	return map[string]any{"status": answer.StatusCode, "acknowledged": cloudevents.IsACK(result)}
}

func putEvents(url string, entries []types.PutEventsRequestEntry) any {
	client := eventbridge.New(eventbridge.Options{
		BaseEndpoint: aws.String(url),
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	output, err := client.PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: entries})
	var refused smithy.APIError
	var response *awshttp.ResponseError
	if errors.As(err, &refused) && errors.As(err, &response) {
		return map[string]any{"error": refused.ErrorCode(), "requestId": response.ServiceRequestID()}
	}
	must(err)
	requestID, _ := middleware.GetRequestIDMetadata(output.ResultMetadata)
	results := make([]map[string]*string, len(output.Entries))
	for i, entry := range output.Entries {
		results[i] = map[string]*string{}
		for name, value := range map[string]*string{"EventId": entry.EventId, "ErrorCode": entry.ErrorCode, "ErrorMessage": entry.ErrorMessage} {
			if value != nil {
				results[i][name] = value
			}
		}
	}
	return map[string]any{"failed": output.FailedEntryCount, "entries": results, "requestId": requestID}
}

func main() {
	if os.Args[1] == "cloudevents" {
		print(sendCloudEvents(os.Args[2], os.Args[3], read[[]fields]()))
	} else {
		print(putEvents(os.Args[2], read[[]types.PutEventsRequestEntry]()))
	}
}

func read[T any]() (given T) {
	must(json.NewDecoder(os.Stdin).Decode(&given))
	return
}

func print(answer any) {
	must(json.NewEncoder(os.Stdout).Encode(answer))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
