"""Makes a picture through the client that openapi-generator generated."""

import os

from openapi_client import ApiClient, Configuration, CreatePrediction, PredictionsApi
from openapi_client.exceptions import NotFoundException

config = Configuration(host=os.environ["ONESTEP_URL"], access_token=os.environ["ONESTEP_KEY"])
with ApiClient(config) as client:
    api = PredictionsApi(client)
    order = CreatePrediction(input={"prompt": "a mill", "seed": 7})
    made = api.create_prediction(order, prefer="wait=30")
    assert made.output and made.receipt.images[0].seed == 7, made
    assert api.get_prediction(made.id).id == made.id
    try:
        api.get_prediction("none")
        raise AssertionError("there is such a prediction")
    except NotFoundException as error:
        assert error.data.error.code == "not_found", error
