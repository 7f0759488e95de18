"""Asks a server with the clients that KServe gives out.

usage: kserve_clients.py ADDRESS HTTP-ADDRESS FIXTURE.json

The fixture has series, as they were measured, and what model m says of them: probabilities
and labels.
"""
import asyncio
import json
import logging
import sys

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

address, http, fixture = sys.argv[1:]
http = "http://" + http
with open(fixture) as f:
    fixture = json.load(f)
x = np.array(fixture["series"], np.float32)
probabilities = np.array(fixture["probabilities"])
labels = fixture["labels"]
logging.disable()  # of what is refused


def request(rows, binary, name="m", tensor="series", kind="FP32", **options):
    series = InferInput(tensor, list(rows.shape), kind)
    series.set_data_from_numpy(rows, binary_data=binary)
    return InferRequest(name, [series], request_id="9", **options)


def right(a):
    got = {o.name: o.as_numpy() for o in a.outputs}
    assert sorted(got) == ["labels", "probabilities"] and a.id == "9" and a.model_name == "m", a
    assert a.model_version in ("1", None), a  # the REST client reads none
    assert got["probabilities"].shape == probabilities.shape and np.abs(got["probabilities"] - probabilities).max() <= 1e-6
    assert [[v.decode() if isinstance(v, bytes) else v for v in row] for row in got["labels"]] == labels


async def refused(call, code, text):
    try:
        await call
    except grpc.RpcError as e:
        assert e.code().name == code and text in e.details(), e
    except httpx.HTTPStatusError as e:
        assert e.response.status_code == code and text in str(e), e
    else:
        raise AssertionError(f"answered, want {code} {text}")


# What is asked is the same over both, and so is what is refused: kind and text of the error.
BAD = [
    (404, "NOT_FOUND", "Latest(other)", lambda: dict(rows=x, name="other")),
    (400, "INVALID_ARGUMENT", "FP16", lambda: dict(rows=x.astype(np.float16), kind="FP16")),
    (400, "INVALID_ARGUMENT", "series", lambda: dict(rows=x, tensor="x")),
    (400, "INVALID_ARGUMENT", "steps,", lambda: dict(rows=x[:, :, :1])),
    (400, "INVALID_ARGUMENT", "is not a finite number", lambda: dict(rows=x + np.inf)),
    (400, "INVALID_ARGUMENT", "logits", lambda: dict(rows=x, request_outputs=[RequestedOutput("logits")])),
]


async def over_grpc():
    async with InferenceGRPCClient(address) as client:
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready("m") and not await client.is_model_ready("other")
        for binary in True, False:
            right(await client.infer(request(x, binary)))
        a = await client.infer(request(x, True, request_outputs=[RequestedOutput("labels")]))
        assert [o.name for o in a.outputs] == ["labels"]
        for _, code, text, bad in BAD:
            await refused(client.infer(request(binary=True, **bad())), code, text)


async def over_rest():
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        assert await client.is_server_live(http) and await client.is_server_ready(http)
        assert await client.is_model_ready(http, "m") and not await client.is_model_ready(http, "other")
        for binary in True, False:
            right(await client.infer(http, request(x, binary), "m"))
            right(await client.infer(http, request(x, binary, parameters={"binary_data_output": True}), "m"))
        for code, _, text, bad in BAD:
            bad = bad()
            await refused(client.infer(http, request(binary=True, **bad), bad.get("name", "m")), code, text)
        await refused(client.infer(http, {"inputs": []}, "m"), 400, "the input series is missing")
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        a = await client.infer(http, {"instances": x.tolist()}, "m")
        assert np.abs(np.array([p["probabilities"] for p in a["predictions"]]) - probabilities).max() <= 1e-6
        await refused(client.infer(http, {"instances": x.tolist()}, "other"), 404, "Latest(other)")
        await refused(client.infer(http, {"rows": x.tolist()}, "m"), 400, "Missing 'inputs' or 'instances' key")


async def main():
    await over_grpc()
    await over_rest()


asyncio.run(main())
