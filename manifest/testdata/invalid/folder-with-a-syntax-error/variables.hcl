variable "other" {
  default = "info # ERROR: A line break in quoted text -> Write \n for a line break, or use <<EOT and a line EOT at its end.
}
variable "level" {
  default = "info"
}
