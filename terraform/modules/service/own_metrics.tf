# What the service tells of itself, through the agent on each instance. The fleet's metrics have no dimension but the job,
# so that a sum or a maximum goes over all instances.

locals {
  service = { job = "hello-birthday" }

  own_alarms = {
    requests-shed = {
      meaning   = "Instances refuse requests, because they have too many in flight."
      metrics   = { shed = ["HelloBirthday", "hello_requests_shed_total", "Sum", local.service] }
      value     = "shed"
      threshold = 0
      minutes   = { bad = 3, of = 5 }
    }
    event-loop-lag = {
      meaning   = "An instance is kept from its work for more than half a second at a time."
      metrics   = { lag = ["HelloBirthday", "hello_event_loop_lag_seconds", "Maximum", local.service] }
      value     = "lag"
      threshold = 0.5 # seconds
      minutes   = { bad = 3, of = 5 }
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
      title = "Per minute: requests refused, time budgets of storage run out, calls of storage tried again"
      stat  = "Sum"
      metrics = [for counted in ["requests_shed", "storage_budget_exhausted", "storage_retries"] :
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
  ]
}
