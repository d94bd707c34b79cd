# The rules that AWS manages, and what a blocked client is told: the service's problem documents without a requestId,
# which AWS WAF has no way to fill in.
locals {
  # Each blocking rule is named, since only a named rule can have a response body of ours. AWS ignores a name that it
  # does not know, and a rule that it adds later blocks with AWS's own page until it is named here.
  # AWSManagedIPDDoSList is left out: AWS only counts what it matches.
  managed_rule_groups = {
    AWSManagedRulesAmazonIpReputationList = {
      priority = 1
      counted  = []
      blocked  = ["AWSManagedIPReputationList", "AWSManagedReconnaissanceList"]
    }
    AWSManagedRulesKnownBadInputsRuleSet = {
      priority = 2
      counted  = []
      blocked = [
        "JavaDeserializationRCE_HEADER",
        "JavaDeserializationRCE_BODY",
        "JavaDeserializationRCE_URIPATH",
        "JavaDeserializationRCE_QUERYSTRING",
        "Host_localhost_HEADER",
        "PROPFIND_METHOD",
        "ExploitablePaths_URIPATH",
        "Log4JRCE_HEADER",
        "Log4JRCE_QUERYSTRING",
        "Log4JRCE_BODY",
        "Log4JRCE_URIPATH",
        "ReactJSRCE_BODY",
      ]
    }
    AWSManagedRulesCommonRuleSet = {
      priority = 3
      counted  = ["NoUserAgent_HEADER"] # a client without a User-Agent is welcome
      blocked = [
        "UserAgent_BadBots_HEADER",
        "SizeRestrictions_QUERYSTRING",
        "SizeRestrictions_Cookie_HEADER",
        "SizeRestrictions_BODY",
        "SizeRestrictions_URIPATH",
        "EC2MetaDataSSRF_BODY",
        "EC2MetaDataSSRF_COOKIE",
        "EC2MetaDataSSRF_URIPATH",
        "EC2MetaDataSSRF_QUERYARGUMENTS",
        "GenericLFI_QUERYARGUMENTS",
        "GenericLFI_URIPATH",
        "GenericLFI_BODY",
        "RestrictedExtensions_URIPATH",
        "RestrictedExtensions_QUERYARGUMENTS",
        "GenericRFI_QUERYARGUMENTS",
        "GenericRFI_BODY",
        "GenericRFI_URIPATH",
        "CrossSiteScripting_COOKIE",
        "CrossSiteScripting_QUERYARGUMENTS",
        "CrossSiteScripting_BODY",
        "CrossSiteScripting_URIPATH",
      ]
    }
  }

  firewall_problems = {
    too_many_requests = {
      title  = "Too many requests"
      status = 429
      detail = "This address sent more than ${var.requests_per_address} requests in five minutes; slow down and try again later."
    }
    blocked_by_firewall = {
      title  = "Blocked by the firewall"
      status = 403
      detail = "The firewall blocked this request: it came from an address with a bad reputation, or it resembles an attack. Do not send it again unchanged."
    }
  }
}
