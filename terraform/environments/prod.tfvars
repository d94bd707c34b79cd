# Values of prod. The image's id is not here: it is the result of a bake, see README.
environment = "prod"
account_id  = "222222222222"

hosted_zone_name = "example.com"
domain_name      = "hello.example.com"

vpc_cidr   = "10.30.0.0/20"
zone_count = 3
capacity   = { min = 3, desired = 3, max = 6 }
ami_owners = ["111111111111"] # dev's account bakes the images that prod runs

alert_emails = ["hello-birthday-alerts@example.com"]
runbooks_url = "https://github.com/example/hello-birthday/blob/main/docs/runbooks"
