# ERROR FILE: The attribute "project" is missing -> project = "shop"
# ERROR FILE: The manifest has no service -> build "go"
