# Account and region are those of ../environments/prod.tfvars, from where make bootstrap takes them.
environment = "prod"
repository  = { owner = "example", owner_id = 1000001, name = "hello-birthday", id = 2000002 }
