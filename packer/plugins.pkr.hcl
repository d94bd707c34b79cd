packer {
  required_version = ">= 1.14.1" # since 1.14, Packer finds new versions of these plugins where HashiCorp moved them

  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.8" # 1.7.1 repaired Session Manager
    }
    ansible = {
      source  = "github.com/hashicorp/ansible"
      version = "~> 1.1"
    }
  }
}
