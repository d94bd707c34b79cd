mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                 = "hello-birthday-test"
  environment          = "dev"
  vpc_id               = "vpc-0123456789abcdef0"
  public_subnet_ids    = ["subnet-a", "subnet-b"]
  private_subnet_ids   = ["subnet-c", "subnet-d"]
  security_group_ids   = { load_balancer = "sg-a", instances = "sg-b" }
  port                 = 8080
  ami_id               = "ami-0123456789abcdef0"
  ami_owners           = ["self"]
  instance_type        = "c7g.medium"
  capacity             = { min = 1, desired = 1, max = 3 }
  domain_name          = "hello.example.com"
  hosted_zone_name     = "example.com"
  requests_per_address = 30000
  authentication       = false
  self_test            = true
  table_name           = "birthdays"
  deletion_protection  = true
  vault_lock           = { enabled = false, grace_days = 14 }
  alarms_outside       = []
  alert_emails         = []
  log_retention_days   = 30
  runbooks_url         = "https://example.com/runbooks"
}

run "the_load_balancer_never_checks_dynamodb" {
  command = plan
  module {
    source = "./modules/service"
  }

  assert {
    condition     = aws_lb_target_group.this.health_check[0].path == "/healthz"
    error_message = "the health check is not the shallow one"
  }
}

run "a_refresh_launches_before_it_terminates_and_stops_at_alarms" {
  command = plan
  module {
    source = "./modules/service"
  }

  assert {
    condition = (
      aws_autoscaling_group.this.instance_refresh[0].preferences[0].min_healthy_percentage == 100
      && aws_autoscaling_group.this.instance_refresh[0].preferences[0].max_healthy_percentage == 150
      && aws_autoscaling_group.this.instance_refresh[0].preferences[0].skip_matching
      && length(aws_autoscaling_group.this.instance_refresh[0].preferences[0].alarm_specification[0].alarms) == 3
    )
    error_message = "a refresh would cost capacity, or nothing would stop it"
  }
  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].checkpoint_percentages == tolist([1, 100])
    error_message = "a refresh would not wait for the alarms after its first instance"
  }
  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].auto_rollback == false
    error_message = "an automatic rollback returns to the newest launch template, which is the bad one"
  }
}

run "connections_outlive_the_load_balancers_patience_nowhere" {
  command = plan
  module {
    source = "./modules/service"
  }

  assert {
    condition     = aws_lb.this.idle_timeout == 60 && aws_lb_target_group.this.deregistration_delay == "45"
    error_message = "the times that decide zero downtime have changed"
  }
}

run "instances_speak_imdsv2_only_and_have_no_key" {
  command = plan
  module {
    source = "./modules/service"
  }

  assert {
    condition = (
      aws_launch_template.this.metadata_options[0].http_tokens == "required"
      && aws_launch_template.this.metadata_options[0].http_put_response_hop_limit == 1
      && aws_launch_template.this.key_name == null
    )
    error_message = "instances can be tricked out of their credentials, or reached with a key"
  }
}

run "everything_is_encrypted_with_keys_of_ours" {
  command = plan
  module {
    source = "./modules/service"
  }
  override_resource {
    target          = aws_kms_key.this
    override_during = plan
    values          = { arn = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition = toset(concat(values(aws_cloudwatch_log_group.this)[*].kms_key_id, [
      aws_dynamodb_table.birthdays.server_side_encryption[0].kms_key_arn,
      aws_backup_vault.this.kms_key_arn,
      aws_launch_template.this.block_device_mappings[0].ebs[0].kms_key_id,
      aws_sns_topic.alerts.kms_master_key_id,
    ])) == toset(values(aws_kms_key.this)[*].arn)
    error_message = "something is encrypted with a key of somebody else"
  }
}

run "blocked_clients_are_answered_as_by_the_service" {
  command = plan
  module {
    source = "./modules/service"
  }

  assert {
    condition = toset([for body in aws_wafv2_web_acl.this.custom_response_body : join(" ", [
      jsondecode(body.content).code, jsondecode(body.content).type, tostring(jsondecode(body.content).status),
      ])]) == toset([
      "too_many_requests urn:problem-type:hello-birthday:too-many-requests 429",
      "blocked_by_firewall urn:problem-type:hello-birthday:blocked-by-firewall 403",
    ])
    error_message = "the bodies of the firewall are not problem documents: see firewall_problems in firewall_rules.tf"
  }
  assert {
    condition = toset(flatten([
      for rule in aws_wafv2_web_acl.this.rule : [
        for group in rule.statement[0].managed_rule_group_statement : [
          for override in group.rule_action_override : override.name
          if length(override.action_to_use[0].block) == 0
        ]
      ]
    ])) == toset(["NoUserAgent_HEADER"])
    error_message = "a managed rule is overridden with something other than a block"
  }
}

run "every_alarm_links_to_its_page" {
  command = plan
  module {
    source = "./modules/service"
  }

  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.this : endswith(alarm.alarm_description, "https://example.com/runbooks/${name}.md")])
    error_message = "an alarm does not say what to do"
  }
}

run "the_fast_alarm_of_the_objective_rings_at_14_4_times_the_budget_and_the_slow_one_at_6" {
  command = plan
  module {
    source = "./modules/service"
  }

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_metric_alarm.burn : format("%.4f", alarm.threshold) == (startswith(name, "fast") ? "0.0144" : "0.0060")
    ])
    error_message = "the burn rates are not 14.4 and 6 times 0.1 %"
  }
}

run "the_test_of_instances_can_be_switched_off" {
  command = plan
  module {
    source = "./modules/service"
  }
  variables {
    self_test = false
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this.user_data), "HELLO_SELF_TEST=off\n")
    error_message = "instances do not hear that they are to serve without a test"
  }
}

run "tokens_are_off_until_asked_for" {
  command = plan
  module {
    source = "./modules/service"
  }

  assert {
    condition     = length(aws_cognito_user_pool.this) == 0 && output.authentication == null
    error_message = "a user pool is made without being asked for"
  }
  assert {
    condition     = !strcontains(base64decode(aws_launch_template.this.user_data), "HELLO_AUTH_")
    error_message = "instances ask for tokens that nobody issues"
  }
}

run "instances_trust_the_pool_and_its_client_when_on" {
  command = plan
  module {
    source = "./modules/service"
  }
  override_resource {
    target          = aws_cognito_user_pool.this
    override_during = plan
    values          = { id = "eu-central-1_Pool" }
  }
  override_resource {
    target          = aws_cognito_user_pool_client.machine
    override_during = plan
    values          = { id = "client" }
  }
  variables {
    authentication = true
  }

  assert {
    condition = [for line in split("\n", base64decode(aws_launch_template.this.user_data)) : line if startswith(line, "HELLO_AUTH_")] == [
      "HELLO_AUTH_AUDIENCE=client",
      "HELLO_AUTH_ISSUER=https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Pool",
    ]
    error_message = "instances are not told whom to trust"
  }
}

run "tokens_carry_two_scopes_when_on" {
  command = plan
  module {
    source = "./modules/service"
  }
  variables {
    authentication = true
  }

  assert {
    condition     = toset(aws_cognito_resource_server.this[0].scope[*].scope_name) == toset(["read", "write"])
    error_message = "the scopes are not hello/read and hello/write"
  }
}

run "a_vault_can_be_locked" {
  command = plan
  module {
    source = "./modules/service"
  }
  variables {
    vault_lock = { enabled = true, grace_days = 14 }
  }

  assert {
    condition     = aws_backup_vault_lock_configuration.this[0].changeable_for_days == 14
    error_message = "the vault is not locked"
  }
}

run "an_image_of_another_architecture_is_refused" {
  command = plan
  module {
    source = "./modules/service"
  }
  override_data {
    target = data.aws_ami.image
    values = { architecture = "x86_64", root_device_name = "/dev/xvda" }
  }
  expect_failures = [aws_launch_template.this]
}
