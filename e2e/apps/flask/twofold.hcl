project = "shop"

service "web" {
  build "command" {
    run     = ["pip", "install", "--quiet", "--target", "vendor", "-r", "requirements.txt"]
    inputs  = ["requirements.txt"]
    start   = ["python3", "server.py"]
    runtime = "python3.13"
    base    = "python:3.13-slim"
    exclude = ["__pycache__/"]
  }
  health { path = "/healthz" }
  timeout = "10s"
  env = {
    GREETING   = "hello"
    PYTHONPATH = "vendor"
  }
}
