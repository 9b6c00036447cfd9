// The quick start of openai-go with base URL and key changed.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func main() {
	client := openai.NewClient(
		option.WithBaseURL(os.Getenv("ONESTEP_URL")+"/v1"),
		option.WithAPIKey(os.Getenv("ONESTEP_KEY")),
	)
	ctx := context.Background()

	image, err := client.Images.Generate(ctx, openai.ImageGenerateParams{
		Prompt: "a cute robot in a forest of trees",
		Model:  openai.ImageModelGPTImage1,
		Size:   openai.ImageGenerateParamsSize1536x1024,
	})
	check(err)
	bytesOf, err := base64.StdEncoding.DecodeString(image.Data[0].B64JSON)
	check(err)
	expect(bytes.HasPrefix(bytesOf, []byte("\x89PNG")), "the picture is no PNG")

	link, err := client.Images.Generate(ctx, openai.ImageGenerateParams{
		Prompt:         "a cute robot in a forest of trees",
		Model:          openai.ImageModelDallE3,
		ResponseFormat: openai.ImageGenerateParamsResponseFormatURL,
		N:              openai.Int(1),
	})
	check(err)
	expect(link.Data[0].URL != "", "there is no URL")

	stream := client.Images.GenerateStreaming(ctx, openai.ImageGenerateParams{
		Prompt: "a cute robot in a forest of trees",
		Model:  openai.ImageModelGPTImage1,
	})
	events := 0
	for stream.Next() {
		expect(stream.Current().Type == "image_generation.completed", "another event came")
		events++
	}
	check(stream.Err())
	expect(events == 1, "the stream did not end in one picture")
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(holds bool, otherwise string) {
	if !holds {
		panic(otherwise)
	}
}
