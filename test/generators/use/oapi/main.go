// Makes a picture through the client that oapi-codegen generated.
package main

import (
	"context"
	"net/http"
	"os"

	"onestep/client"
)

func main() {
	ctx := context.Background()
	signed := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("ONESTEP_KEY"))
		return nil
	}
	api, err := client.NewClientWithResponses(os.Getenv("ONESTEP_URL"), client.WithRequestEditorFn(signed))
	if err != nil {
		panic(err)
	}
	wait := "wait=30"
	made, err := api.CreatePredictionWithResponse(ctx, &client.CreatePredictionParams{Prefer: &wait},
		client.CreatePrediction{Input: map[string]interface{}{"prompt": "a mill", "seed": 7}})
	if err != nil || made.JSON201 == nil {
		panic(string(made.Body))
	}
	if len(*made.JSON201.Output) != 1 || made.JSON201.Receipt == nil {
		panic("there is no picture")
	}
	missing, err := api.GetPredictionWithResponse(ctx, "none")
	if err != nil || missing.ApplicationproblemJSON404 == nil {
		panic("there is such a prediction")
	}
}
