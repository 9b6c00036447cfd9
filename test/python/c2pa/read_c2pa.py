"""Prints what c2pa-python makes of an image: its state, its failures and its actions.

    read_c2pa.py FILE MEDIA_TYPE [ANCHORS.pem]
"""

import json
import sys

import c2pa


def main(path, media_type, anchors=None):
    context = None
    if anchors is not None:
        with open(anchors, encoding="ascii") as pem:
            trust = {"trust": {"trust_anchors": pem.read()}, "verify": {"verify_trust": True}}
        context = c2pa.Context(settings=c2pa.Settings.from_dict(trust))
    with open(path, "rb") as file:
        reader = c2pa.Reader(media_type, file, context=context)
        report = json.loads(reader.json())
    results = report["validation_results"]["activeManifest"]
    manifest = report["manifests"][report["active_manifest"]]
    print(
        json.dumps(
            {
                "state": report["validation_state"],
                "failures": [one["code"] for one in results["failure"]],
                "successes": [one["code"] for one in results["success"]],
                "informational": [one["code"] for one in results["informational"]],
                "time": manifest["signature_info"].get("time"),
                "generator": manifest["claim_generator_info"][0],
                "actions": [
                    action
                    for assertion in manifest["assertions"]
                    if assertion["label"].startswith("c2pa.actions")
                    for action in assertion["data"]["actions"]
                ],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
