"""A service made with Flask. It knows nothing of where it runs."""

import hashlib
import os

from flask import Flask, Response, abort, jsonify, redirect, request
from waitress import serve

app = Flask(__name__)


@app.get("/healthz")
def health():
    return "ok"


@app.get("/greeting")
def greeting():
    return jsonify(greeting=os.environ["GREETING"])


@app.route("/echo", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@app.route("/echo/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def echo(rest):
    if request.mimetype == "application/octet-stream":
        body = {"bytes": len(request.data), "sum": hashlib.sha256(request.data).hexdigest()}
    else:
        body = request.get_json(silent=True) or request.form.to_dict(flat=False)
    return jsonify(
        method=request.method, url=request.full_path, query=request.args.to_dict(flat=False),
        cookie=request.headers.get("Cookie"), type=request.headers.get("Content-Type"), body=body,
    )


@app.get("/cookies")
def cookies():
    answer = jsonify({})
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "two words")
    return answer


@app.get("/empty")
def empty():
    return "", 204


@app.get("/there")
def there():
    return redirect("/greeting", 303)


@app.get("/bytes")
def some_bytes():
    return Response(bytes(n % 251 for n in range(100000)), mimetype="application/octet-stream")


@app.get("/parts")
def parts():
    return Response((f"part {n}\n" for n in range(5)), mimetype="text/plain")


@app.get("/fails")
def fails():
    abort(503)


if __name__ == "__main__":
    print("listening", flush=True)
    serve(app, host="0.0.0.0", port=int(os.environ["PORT"]))
