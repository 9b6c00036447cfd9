"""What the stock `replicate` client is promised."""

import os

import replicate
from replicate.exceptions import ModelError, ReplicateError
from shared.pixels import pixels_of

MODEL = "onestep/demo"
client = replicate.Client(api_token=os.environ["ONESTEP_KEY"], base_url=os.environ["ONESTEP_URL"])


def bytes_of(url):
    return client._client.get(str(url)).content


def refused(**arguments):
    try:
        client.run(MODEL, **arguments)
    except ReplicateError as error:
        return error
    raise AssertionError(f"{arguments} was taken")


# Two pictures of one order differ; the same seed gives the same pixels.
pictures = client.run(MODEL, input={"prompt": "a mill", "seed": 11, "num_outputs": 2})
first, second = [bytes_of(url) for url in pictures]
assert first != second and first[1:4] == b"PNG"
(again,) = client.run(MODEL, input={"prompt": "a mill", "seed": 12})
assert pixels_of(bytes_of(again)) == pixels_of(second)

# Created, waited for, looked up, listed.
prediction = client.models.predictions.create(model=MODEL, input={"prompt": "a barn"})
prediction.wait()
assert prediction.status == "succeeded" and prediction.metrics["predict_time"] > 0
assert client.predictions.get(prediction.id).output is not None
assert client.predictions.list().results[0].id == prediction.id
assert client.models.get(MODEL).latest_version.id == prediction.version

# Cancelled before it can end.
line = [
    client.predictions.create(version=MODEL, input={"prompt": "a gate", "num_outputs": 4})
    for _ in range(4)
]
line[-1].cancel()
line[-1].wait()
assert line[-1].status == "canceled"

# Its progress and its pictures, as they come.
events = list(client.stream(MODEL, input={"prompt": "a lake", "num_outputs": 2}))
kinds = [event.event.value for event in events]
assert kinds.count("output") == 2 and kinds[-1] == "done", kinds
assert "2/2" in [event.data for event in events if event.event.value == "logs"][-1]

# Refusals name what is wrong.
assert refused(input={"prompt": "x", "widht": 3}).status == 422
assert "widht" in str(refused(input={"prompt": "x", "widht": 3}))
assert refused(input={"prompt": "x", "width": 17}).status == 422
stranger = replicate.Client(api_token="os_live_nobody", base_url=os.environ["ONESTEP_URL"])
try:
    stranger.models.list()
    raise AssertionError("a stranger was let in")
except ReplicateError as error:
    assert error.status == 401

# The secret that webhooks are signed with.
assert client.webhooks.default.secret().key.startswith("whsec_")
