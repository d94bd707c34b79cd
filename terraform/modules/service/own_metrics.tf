# Metrics of the service and of the hosts, sent by the agent on each instance. The service's metrics have the job as
# their only dimension, and those of the hosts have none, so that a sum or a maximum covers all instances.

locals {
  service = { job = "hello-birthday" }

  own_alarms = {
    requests-shed = {
      meaning = "Instances refuse requests, because they have too many in flight, or connections, because they have too many open."
      metrics = {
        shed    = ["HelloBirthday", "hello_requests_shed_total", "Sum", local.service]
        refused = ["HelloBirthday", "hello_connections_refused_total", "Sum", local.service]
      }
      value     = "FILL(shed, 0) + FILL(refused, 0)"
      threshold = 0
      minutes   = { bad = 3, of = 5 }
    }
    event-loop-lag = {
      meaning   = "The event loop of an instance is blocked for more than half a second at a time."
      metrics   = { lag = ["HelloBirthday", "hello_event_loop_lag_seconds", "Maximum", local.service] }
      value     = "lag"
      threshold = 0.5 # seconds
      minutes   = { bad = 3, of = 5 }
    }
    log-lines-lost = {
      meaning   = "Instances lose log lines, because nothing reads them in time."
      metrics   = { lost = ["HelloBirthday", "hello_log_lines_lost_total", "Sum", local.service] }
      value     = "lost"
      threshold = 0
      minutes   = { bad = 1, of = 5 }
    }
    agents-silent = {
      meaning = "Instances are in service whose agents send nothing: no metrics, no alarms on them, no logs."
      metrics = {
        in_service = ["AWS/AutoScaling", "GroupInServiceInstances", "Minimum", local.group]
        told       = ["HelloBirthday", "hello_build_info", "Sum", local.service] # each agent sends it once a minute
      }
      value     = "in_service - FILL(told, 0) / 5"
      threshold = 0.5 # instances: one that reports a minute late is not silent
      minutes   = { bad = 3, of = 3, each = 5 }
      missing   = "breaching"
    }
    host-memory = {
      meaning   = "An instance has less than a tenth of its memory left."
      metrics   = { used = ["HelloBirthday", "mem_used_percent", "Maximum", {}] }
      value     = "used"
      threshold = 90 # percent
      minutes   = { bad = 10, of = 15 }
    }
    host-disk = {
      meaning   = "An instance has less than a fifth of its disk left."
      metrics   = { used = ["HelloBirthday", "disk_used_percent", "Maximum", {}] }
      value     = "used"
      threshold = 80 # percent
      minutes   = { bad = 10, of = 15 }
    }
  }

  own_graphs = [
    {
      title   = "Requests in flight, by instance"
      stat    = "Maximum"
      metrics = [[{ expression = "SEARCH('{HelloBirthday,InstanceId,job} MetricName=\"http_server_active_requests\"', 'Maximum', 60)" }]]
    },
    {
      title   = "Event loop: longest delay by instance, seconds"
      stat    = "Maximum"
      metrics = [[{ expression = "SEARCH('{HelloBirthday,InstanceId,job} MetricName=\"hello_event_loop_lag_seconds\"', 'Maximum', 60)" }]]
    },
    {
      title = "Refused, lost, timed out and retried, per minute"
      stat  = "Sum"
      metrics = [for counted in ["requests_shed", "connections_refused", "log_lines_lost", "storage_budget_exhausted", "storage_retries"] :
        ["HelloBirthday", "hello_${counted}_total", "job", local.service.job]
      ]
    },
    {
      title = "Instances by image, and how many of them drain"
      stat  = "Sum"
      metrics = [
        [{ expression = "SEARCH('{HelloBirthday,image,job} MetricName=\"hello_build_info\"', 'Sum', 60)" }],
        ["HelloBirthday", "hello_draining", "job", local.service.job],
      ]
    },
    {
      title   = "Memory and disk by instance, percent"
      stat    = "Maximum"
      metrics = [for used in ["mem", "disk"] : [{ expression = "SEARCH('{HelloBirthday,InstanceId} MetricName=\"${used}_used_percent\"', 'Maximum', 60)" }]]
    },
  ]
}
