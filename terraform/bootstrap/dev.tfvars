environment = "dev"
account_id  = "111111111111"
repository  = { owner = "example", owner_id = 1000001, name = "hello-birthday", id = 2000002 }

builder_network = true # dev bakes what prod runs
