// Makes a picture through the client that openapi-generator generated.
package main

import (
	"context"
	"os"

	openapi "onestep/client"
)

func main() {
	config := openapi.NewConfiguration()
	config.Servers = openapi.ServerConfigurations{{URL: os.Getenv("ONESTEP_URL")}}
	client := openapi.NewAPIClient(config)
	ctx := context.WithValue(context.Background(), openapi.ContextAccessToken, os.Getenv("ONESTEP_KEY"))

	order := openapi.NewCreatePrediction(map[string]*interface{}{"prompt": of("a mill"), "seed": of(7)})
	made, _, err := client.PredictionsAPI.CreatePrediction(ctx).CreatePrediction(*order).Prefer("wait=30").Execute()
	if err != nil {
		panic(err)
	}
	receipt := made.GetReceipt()
	if len(made.Output) != 1 || receipt.Images[0].Seed != 7 {
		panic("there is no picture")
	}
	_, answer, err := client.PredictionsAPI.GetPrediction(ctx, "none").Execute()
	if err == nil || answer.StatusCode != 404 {
		panic("there is such a prediction")
	}
}

func of(value interface{}) *interface{} {
	return &value
}
