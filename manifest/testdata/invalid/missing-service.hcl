# ERROR FILE: The manifest has no service -> service "web"
project = "shop"
