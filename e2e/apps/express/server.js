// A service made with express. It knows nothing of where it runs.
const express = require("express");
const crypto = require("node:crypto");

const app = express();
app.use(express.json(), express.urlencoded({ extended: false }), express.raw({ type: "application/octet-stream", limit: "4mb" }));

app.get("/healthz", (req, res) => res.send("ok"));
app.get("/greeting", (req, res) => res.json({ greeting: process.env.GREETING }));
app.all("/echo{/*rest}", (req, res) => {
  const body = Buffer.isBuffer(req.body) ? { bytes: req.body.length, sum: crypto.createHash("sha256").update(req.body).digest("hex") } : req.body;
  res.json({ method: req.method, url: req.originalUrl, query: req.query, cookie: req.get("cookie"), type: req.get("content-type"), body });
});
app.get("/cookies", (req, res) => res.cookie("a", "1").cookie("b", "two words").json({}));
app.get("/empty", (req, res) => res.status(204).end());
app.get("/there", (req, res) => res.redirect(303, "/greeting"));
app.get("/bytes", (req, res) => res.type("application/octet-stream").send(Buffer.from(Array.from({ length: 100000 }, (_, n) => n % 251))));
app.get("/parts", (req, res) => {
  res.type("text/plain");
  for (let n = 0; n < 5; n++) res.write(`part ${n}\n`);
  res.end();
});
app.get("/fails", () => {
  throw Object.assign(new Error("no"), { status: 503, expose: true });
});

const server = app.listen(process.env.PORT, () => console.log("listening"));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
