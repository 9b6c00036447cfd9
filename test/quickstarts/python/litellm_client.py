"""The quick start of LiteLLM's image generation with base URL and key changed."""

import base64
import os

import litellm

litellm.telemetry = False
order = {
    "prompt": "A cute baby sea otter",
    "api_base": os.environ["ONESTEP_URL"] + "/v1",
    "api_key": os.environ["ONESTEP_KEY"],
}
inline = litellm.image_generation(model="openai/gpt-image-1", size="1536x1024", **order)
assert base64.b64decode(inline.data[0].b64_json)[1:4] == b"PNG"
link = litellm.image_generation(model="openai/dall-e-3", **order)
assert link.data[0].url.startswith("http"), link
