# Run with: TF_WORKSPACE=dev terraform test -filter=tests/dev.tftest.hcl -var-file=environments/dev.tfvars

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  ami_id = "ami-0123456789abcdef0"
}

run "dev_is_accepted_in_its_workspace" {
  command = plan

  assert {
    condition     = output.url == "https://hello.dev.example.com"
    error_message = "dev is not where its clients look for it"
  }
}

run "the_values_of_prod_are_refused_in_the_workspace_of_dev" {
  command = plan
  variables {
    environment = "prod"
  }
  expect_failures = [var.environment]
}

run "an_unknown_environment_is_refused" {
  command = plan
  variables {
    environment = "staging"
  }
  expect_failures = [var.environment]
}

run "an_image_id_that_is_none_is_refused" {
  command = plan
  variables {
    ami_id = "debian-13"
  }
  expect_failures = [var.ami_id]
}

run "an_account_id_that_is_none_is_refused" {
  command = plan
  variables {
    account_id = "1111"
  }
  expect_failures = [var.account_id]
}

run "a_maximum_below_the_desired_size_is_refused" {
  command = plan
  variables {
    capacity = { min = 1, desired = 3, max = 2 }
  }
  expect_failures = [var.capacity]
}

run "a_group_of_no_instance_is_refused" {
  command = plan
  variables {
    capacity = { min = 0, desired = 0, max = 2 }
  }
  expect_failures = [var.capacity]
}

run "an_address_range_that_is_too_small_is_refused" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.0/25"
  }
  expect_failures = [var.vpc_cidr]
}

run "an_address_range_that_is_none_is_refused" {
  command = plan
  variables {
    vpc_cidr = "10.20.0.7/20"
  }
  expect_failures = [var.vpc_cidr]
}

run "one_zone_is_refused" {
  command = plan
  variables {
    zone_count = 1
  }
  expect_failures = [var.zone_count]
}

run "a_name_outside_the_hosted_zone_is_refused" {
  command = plan
  variables {
    domain_name = "hello.example.org"
  }
  expect_failures = [var.domain_name]
}

run "a_rate_limit_the_firewall_does_not_know_is_refused" {
  command = plan
  variables {
    requests_per_address = 1
  }
  expect_failures = [var.requests_per_address]
}
