//! The quick start of async-openai with base URL and key changed.

use async_openai::{
    config::OpenAIConfig,
    types::images::{CreateImageRequestArgs, Image, ImageModel, ImageResponseFormat, ImageSize},
    Client,
};
use std::{env, error::Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = OpenAIConfig::new()
        .with_api_base(format!("{}/v1", env::var("ONESTEP_URL")?))
        .with_api_key(env::var("ONESTEP_KEY")?);
    let client = Client::with_config(config);

    let request = CreateImageRequestArgs::default()
        .model(ImageModel::Other("dall-e-3".into()))
        .prompt("cats on sofa and carpet in living room")
        .response_format(ImageResponseFormat::Url)
        .size(ImageSize::S1792x1024)
        .user("async-openai")
        .build()?;
    let answer = client.images().generate(request).await?;
    match answer.data[0].as_ref() {
        Image::Url { url, .. } => assert!(url.starts_with("http"), "{url}"),
        other => panic!("no URL but {other:?}"),
    }

    let request = CreateImageRequestArgs::default()
        .model(ImageModel::GptImage2)
        .prompt("cats on sofa and carpet in living room")
        .build()?;
    let answer = client.images().generate(request).await?;
    assert!(matches!(answer.data[0].as_ref(), Image::B64Json { .. }));
    Ok(())
}
