# The image of the service: Debian 13, prepared by ansible/image.yml. `make bake` runs this; `make image` rehearses it.

locals {
  # The names that Amazon and Python use for Debian's architecture.
  machine       = { amd64 = "x86_64", arm64 = "aarch64" }[var.architecture]
  architecture  = { amd64 = "x86_64", arm64 = "arm64" }[var.architecture]
  instance_type = { amd64 = "t3.small", arm64 = "t4g.small" }[var.architecture]

  # The account's own key for EBS cannot be shared. The image has no secrets, and instances encrypt their disks anyway.
  encrypt = length(var.share_with) == 0 || var.kms_key_id != ""

  tags = {
    Application = "hello-birthday"
    Version     = var.version
    Commit      = var.commit
    Built       = var.built
  }

  # Installs the Systems Manager agent, the only way to reach the builder: the script's arguments, then the script.
  agents = "${abspath(path.root)}/../ansible/roles/aws_agents/files"
  amazon = "https://s3.${var.region}.amazonaws.com/amazon-ssm-${var.region}/latest/debian_${var.architecture}/amazon-ssm-agent.deb"
  user_data = join("\n", [
    "#!/bin/sh",
    "set -- '${coalesce(var.ssm_agent.package, local.amazon)}' \\",
    "  '${trimspace(file(coalesce(var.ssm_agent.key, "${local.agents}/amazon-ssm-agent.asc")))}'",
    file("${local.agents}/install-agent"),
  ])

  ansible_environ = ["ANSIBLE_CONFIG=${abspath(path.root)}/../ansible/ansible.cfg", "ANSIBLE_HOST_KEY_CHECKING=False"]
  ansible_settings = jsonencode(merge({
    aws_agents_region         = var.region
    hello_birthday_artifact   = "${abspath(path.root)}/../build/hello-birthday-${local.machine}.tar"
    hello_birthday_git_commit = var.commit
  }, var.rehearsal.settings))
}

source "amazon-ebs" "image" {
  region = var.region

  # source image
  source_ami_filter {
    owners      = ["136693071363"] # Debian
    most_recent = true
    filters = {
      name                = "debian-13-${var.architecture}-*"
      architecture        = local.architecture
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  # builder: reached only through Session Manager, with a key that lives as long as the bake
  instance_type                         = local.instance_type
  user_data                             = local.user_data
  subnet_id                             = var.subnet_id
  iam_instance_profile                  = var.instance_profile
  ssh_interface                         = "session_manager"
  ssh_username                          = "admin"
  ssh_timeout                           = "15m" # to boot, and to install the agent
  temporary_key_pair_type               = "ed25519"
  temporary_security_group_source_cidrs = ["127.0.0.1/32"] # nobody: Session Manager needs no open port
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  run_tags        = merge(local.tags, { Name = "hello-birthday-builder" })
  run_volume_tags = merge(local.tags, { Name = "hello-birthday-builder" })

  # image
  ami_name        = "hello-birthday-${var.version}-${var.architecture}-${var.built}-${substr(var.commit, 0, 12)}"
  ami_description = "Hello Birthday ${var.version}, commit ${var.commit}"
  deprecate_at    = var.expires
  imds_support    = "v2.0"
  ena_support     = true
  ami_users       = var.share_with
  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = 8    # GiB
    iops                  = 3000 # gp3's default
    throughput            = 125  # MiB/s, as above
    encrypted             = local.encrypt
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }
  tags          = merge(local.tags, { Name = "hello-birthday", SourceImage = "{{ .SourceAMI }}", SourceImageName = "{{ .SourceAMIName }}" })
  snapshot_tags = merge(local.tags, { Name = "hello-birthday" })
}

# A booted machine of `make image`, which stands in for a builder.
source "null" "rehearsal" {
  ssh_host             = var.rehearsal.host
  ssh_username         = "admin"
  ssh_private_key_file = var.rehearsal.key
}

build {
  sources = ["source.amazon-ebs.image", "source.null.rehearsal"]

  # prepare
  provisioner "ansible" {
    playbook_file    = "${path.root}/../ansible/image.yml"
    groups           = ["image"]
    user             = "admin"
    use_proxy        = false
    ansible_env_vars = local.ansible_environ
    extra_arguments  = ["--skip-tags", "sysprep", "--extra-vars", local.ansible_settings]
  }
  provisioner "shell" {
    script          = "${path.root}/verify"
    execute_command = "sudo {{ .Path }}"
  }

  provisioner "file" {
    direction   = "download"
    source      = "/var/lib/dpkg/status"
    destination = "${path.root}/../build/dpkg-status"
  }

  # remove the builder's identity
  provisioner "ansible" {
    playbook_file    = "${path.root}/../ansible/image.yml"
    groups           = ["image"]
    user             = "admin"
    use_proxy        = false
    ansible_env_vars = local.ansible_environ
    extra_arguments  = ["--tags", "sysprep", "--extra-vars", local.ansible_settings]
  }
  provisioner "file" {
    source      = "${path.root}/hygiene"
    destination = "/tmp/hygiene"
  }
  provisioner "shell" {
    script          = "${path.root}/forget"
    execute_command = "chmod +x /tmp/hygiene && sudo {{ .Path }}"
    skip_clean      = true # its user is deleted by then
  }

  # result
  post-processor "manifest" {
    only       = ["amazon-ebs.image"]
    output     = "${path.root}/../build/manifest.json"
    strip_path = true
    custom_data = {
      architecture = var.architecture
      commit       = var.commit
      version      = var.version
    }
  }
}
