"""GET /openapi.json describes what is served: every route of GET /, and of each answer the very members that it has."""

import jsonschema
import pytest

OPEN = {"Error", "Peer", "TransactionState"}  # shapes whose description says that there may be more


@pytest.fixture
def served(net, alice, bob):
    """A node that has something to show of everything, its peer, its document, and ids."""
    node, other = net.started(2)
    node.mine(alice.address, 3)
    mined = node.send(alice.transfer(node.genesis(), bob, 5))["id"]
    node.mine(alice.address)
    waiting = node.send(alice.transfer(node.genesis(), bob, 6))["id"]
    net.wait_agree([node, other], 4)
    return node, node.get("/openapi.json"), {"mined": mined, "waiting": waiting}


def resolve(document, schema):
    """The schema itself, and the name of its shape if it has one."""
    name = None
    while "$ref" in schema or "allOf" in schema:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
        else:
            (schema,) = schema["allOf"]
    return schema, name


def unknown(document, schema, value, at=""):
    """Members of value that no shape has."""
    schema, name = resolve(document, schema)
    for choice in schema.get("anyOf", []) + schema.get("oneOf", []):
        if is_valid(document, choice, value):
            return unknown(document, choice, value, at)
    if isinstance(value, list):
        return [found for one in value for found in unknown(document, schema.get("items", {}), one, at + "[]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known, found = schema["properties"], []
    for key, member in value.items():
        if key in known:
            found += unknown(document, known[key], member, f"{at}.{key}")
        elif name not in OPEN:
            found.append(f"{at}.{key}")
    return found


def validator(document, schema):
    # References are looked up in the whole document.
    return jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", document))


def is_valid(document, schema, value):
    return not list(validator(document, schema).iter_errors(value))


def check(document, path, method, reply):
    responses = document["paths"][path][method]["responses"]
    response = responses.get(str(reply.status_code), responses["default"])
    schema = response["content"][reply.headers["Content-Type"]]["schema"]
    validator(document, schema).validate(reply.json())
    assert unknown(document, schema, reply.json()) == [], (path, method)


def test_every_route_is_described_and_nothing_else(served):
    node, document, _ = served
    routes = [row for row in node.get("/")["routes"] if row["access"] != "peer"]
    described = {(path, method) for path, row in document["paths"].items() for method in row}
    assert described == {(row["path"], row["method"].lower()) for row in routes}
    assert document["openapi"] == "3.1.0" and document["info"]["version"]
    names = [one["operationId"] for row in document["paths"].values() for one in row.values()]
    assert len(set(names)) == len(names)
    for row in routes:
        one = document["paths"][row["path"]][row["method"].lower()]
        assert one["summary"] == row["description"]
        assert [p["name"] for p in one["parameters"] if p["in"] == "query"] == row["query"]
        in_path = [p["name"] for p in one["parameters"] if p["in"] == "path"]
        assert in_path == [part[1:-1] for part in row["path"].split("/") if part.startswith("{")]
        assert all(p["description"] for p in one["parameters"]), one
        assert ("security" in one) == (row["access"] == "admin")


def test_every_shape_is_a_schema_and_every_reference_leads_to_one(served):
    _, document, _ = served
    shapes = document["components"]["schemas"]
    for shape in shapes.values():
        jsonschema.Draft202012Validator.check_schema(shape)
        assert shape["description"] and all(one["description"] for one in shape["properties"].values())
    used = set()

    def walk(value):
        if isinstance(value, dict):
            if "$ref" in value:
                used.add(value["$ref"].removeprefix("#/components/schemas/"))
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                walk(one)

    walk(document)
    assert used == set(shapes), "each is there, and each is of use"


def test_answers_are_as_they_are_described(served, alice, bob):
    node, document, ids = served
    hash = node.head()[1]
    asked = {
        "/chain": ["/chain", "/chain?from=1&limit=2"],
        "/chain/head": ["/chain/head"],
        "/blocks": ["/blocks", "/blocks?limit=1"],
        "/blocks/{block}": ["/blocks/0", f"/blocks/{hash}", "/blocks/99"],
        "/transactions": ["/transactions", "/transactions?limit=1"],
        "/transactions/{id}": [f"/transactions/{ids['mined']}", f"/transactions/{ids['waiting']}", "/transactions/x"],
        "/transactions/{id}/proof": [f"/transactions/{ids['mined']}/proof", f"/transactions/{ids['waiting']}/proof"],
        "/amount": [f"/amount?blockchain_address={alice.address}", "/amount"],
        "/addresses/{address}": [f"/addresses/{alice.address}"],
        "/peers": ["/peers"],
        "/log-levels": ["/log-levels"],
    }
    for path, urls in asked.items():
        for url in urls:
            check(document, path, "get", node.request("GET", url))
    described = {path for path, row in document["paths"].items() if "content" in row.get("get", {}).get("responses", {}).get("200", {})}
    assert described == set(asked) | {"/events"}, "whatever is described is tried here"

    one, two = (alice.transfer(node.genesis(), bob, value) for value in (7, 8))
    for body in one, [two, one | {"id": "00" * 32}]:
        schema = document["paths"]["/transactions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        validator(document, schema).validate(body)
        assert unknown(document, schema, body) == []
        check(document, "/transactions", "post", node.request("POST", "/transactions", json=body))
    check(document, "/mine", "post", node.request("POST", "/mine", json={"address": alice.address, "blocks": 2}))
    check(document, "/mine", "post", node.request("POST", "/mine", json={"address": "nobody"}))
    check(document, "/log-levels", "post", node.request("POST", "/log-levels", json={"levels": "debug"}))
