"""The quick start of LangChain's DALL-E wrapper with base URL and key changed."""

import os

from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper

wrapper = DallEAPIWrapper(
    model="dall-e-3",
    base_url=os.environ["ONESTEP_URL"] + "/v1",
    api_key=os.environ["ONESTEP_KEY"],
)
assert wrapper.run("a halloween night at a haunted museum").startswith("http")
