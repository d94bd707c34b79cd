environment = "prod"
account_id  = "222222222222"
repository  = { owner = "example", owner_id = 1000001, name = "hello-birthday", id = 2000002 }
