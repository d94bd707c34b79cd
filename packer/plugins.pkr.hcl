packer {
  required_version = ">= 1.14.1" # since 1.14 it finds new versions of these plugins, which HashiCorp moved

  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.8" # Session Manager works again since 1.7.1
    }
    ansible = {
      source  = "github.com/hashicorp/ansible"
      version = "~> 1.1"
    }
  }
}
