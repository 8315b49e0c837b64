password = "hunter2" # ERROR: The value of "password" does not fit its type -> The type is number, and this is something else.
passwrod = "hunter2" # ERROR: There is no variable "passwrod" -> Did you mean "password"?
token    = hunter2 # ERROR: The value cannot be evaluated -> Text stands in double quotes, and only functions such as env("NAME") can be used
key      = tonumber("hunter2") # ERROR: The argument does not fit the function -> What is wrong with it is not shown, since a sensitive value is part of it.
