# Account and region are those of ../environments/dev.tfvars, from where make bootstrap takes them.
environment = "dev"
repository  = { owner = "example", owner_id = 1000001, name = "hello-birthday", id = 2000002 }

builder_network = true # dev bakes what prod runs
