# Print as JSON what the Vagrantfile says of each machine, without Vagrant: the box of each.
require "json"

class Anything < BasicObject
  def method_missing(*)
    yield self if ::Kernel.block_given?
    self
  end
end

class VM < Anything
  attr_accessor :box, :box_url
end

Machine = Struct.new(:vm)
MACHINES = {}

class Config
  def vm
    self
  end

  def define(name, **)
    yield MACHINES[name] = Machine.new(VM.new)
  end

  def method_missing(*, **)
  end
end

module Vagrant
  def self.configure(_)
    yield Config.new
  end
end

load ARGV[0]
puts JSON.generate(MACHINES.transform_values { |one| [one.vm.box, one.vm.box_url] })
