# Values of dev. The image's id is not here: it is the result of a bake, see README.
environment = "dev"
account_id  = "111111111111"

hosted_zone_name = "dev.example.com"
domain_name      = "hello.dev.example.com"

vpc_cidr   = "10.20.0.0/20"
zone_count = 2
capacity   = { min = 1, desired = 1, max = 3 }

deletion_protection = false
log_retention_days  = 14
runbooks_url        = "https://github.com/example/hello-birthday/blob/main/docs/runbooks"
