"""Makes a picture through the client that openapi-python-client generated."""

import os

from onestep_client import AuthenticatedClient
from onestep_client.api.predictions import create_prediction, get_prediction
from onestep_client.models import CreatePrediction, CreatePredictionInput, Prediction, Problem

client = AuthenticatedClient(
    base_url=os.environ["ONESTEP_URL"], token=os.environ["ONESTEP_KEY"], timeout=60
)
order = CreatePredictionInput.from_dict({"prompt": "a mill", "seed": 7})
made = create_prediction.sync(client=client, body=CreatePrediction(input_=order), prefer="wait=30")
assert isinstance(made, Prediction), made
assert made.output and made.receipt.images[0].seed == 7, made
assert get_prediction.sync(made.id, client=client).id == made.id
missing = get_prediction.sync("none", client=client)
assert isinstance(missing, Problem) and missing.error.code == "not_found", missing
