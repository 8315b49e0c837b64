locals { level = var.level }
variable "level" { default = "warn" } # ERROR: There are two variables "level" -> Rename or remove one of the two.
locals { level = "x" } # ERROR: The local value "level" is set twice -> Remove one of the two.
