"""What the stock `openai` client is promised."""

import base64
import os

import openai
from shared.pixels import pixels_of

BASE = os.environ["ONESTEP_URL"] + "/v1"
client = openai.OpenAI(base_url=BASE, api_key=os.environ["ONESTEP_KEY"])


def refused(error_class, **arguments):
    try:
        client.images.generate(**{"prompt": "x", **arguments})
    except error_class as error:
        assert error.request_id.startswith("req_"), error
        return error
    raise AssertionError(f"{arguments} was taken")


# Two pictures differ; the same order gives the same pixels.
order = {"prompt": "two cats", "n": 2, "size": "256x256", "extra_body": {"seed": 5}}
pair = client.images.generate(response_format="b64_json", **order).data
again = client.images.generate(response_format="b64_json", **order).data
assert pair[0].b64_json != pair[1].b64_json
first, second = [base64.b64decode(image.b64_json) for image in pair]
assert first[1:4] == b"PNG"
assert pixels_of(first) != pixels_of(second)
assert [pixels_of(base64.b64decode(image.b64_json)) for image in again] == [
    pixels_of(first),
    pixels_of(second),
]

# By link, and as another format.
jpeg = client.images.generate(
    prompt="a cat", response_format="url", output_format="jpeg", output_compression=40
)
assert client._client.get(jpeg.data[0].url).headers["content-type"] == "image/jpeg"

# As a stream.
events = list(client.images.generate(prompt="a cat", stream=True))
assert [event.type for event in events] == ["image_generation.completed"]
assert base64.b64decode(events[0].b64_json)[1:4] == b"PNG"

# Refusals have a class, a code and the parameter at fault.
assert refused(openai.UnprocessableEntityError, size="17x23").param == "size"
assert refused(openai.UnprocessableEntityError, size="banana").param == "size"
assert refused(openai.UnprocessableEntityError, n=11).param == "n"
assert refused(openai.UnprocessableEntityError, model="dall-e-3").param == "model"
stranger = openai.OpenAI(base_url=BASE, api_key="os_live_nobody")
try:
    stranger.images.generate(prompt="x")
    raise AssertionError("a stranger was let in")
except openai.AuthenticationError as error:
    assert error.code == "unauthenticated", error.code

assert [model.id for model in client.models.list()] == ["onestep/demo"]
assert client.models.retrieve("onestep/demo").owned_by == "onestep"
