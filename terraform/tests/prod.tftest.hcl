# Run with: TF_WORKSPACE=prod terraform test -filter=tests/prod.tftest.hcl -var-file=environments/prod.tfvars

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

run "prod_is_accepted_in_its_workspace" {
  command = plan

  assert {
    condition     = output.url == "https://hello.example.com"
    error_message = "prod is not where its clients look for it"
  }
}

run "prod_starts_with_an_instance_for_each_of_three_zones" {
  command = plan

  assert {
    condition     = var.zone_count == 3 && var.capacity.min == 3 && var.capacity.desired == 3 && var.capacity.max == 6
    error_message = "prod is sized to lose a zone"
  }
}

run "prod_is_protected_from_deletion" {
  command = plan

  assert {
    condition     = var.deletion_protection
    error_message = "the table could be deleted"
  }
}

run "prod_with_two_zones_is_refused" {
  command = plan
  variables {
    zone_count = 2
  }
  expect_failures = [var.zone_count]
}

run "prod_with_less_than_an_instance_a_zone_is_refused" {
  command = plan
  variables {
    capacity = { min = 2, desired = 3, max = 6 }
  }
  expect_failures = [var.capacity]
}

run "the_values_of_dev_are_refused_in_the_workspace_of_prod" {
  command = plan
  variables {
    environment = "dev"
  }
  expect_failures = [var.environment]
}
