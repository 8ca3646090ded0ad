package fairlead.interop;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.DeliveryMode;
import jakarta.jms.Destination;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import jakarta.jms.Topic;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.qpid.jms.JmsConnectionFactory;

/**
 * One client of the matrix, for as long as its input lasts. A line in asks ({@code publish} or {@code subscribe}), a line out says
 * {@code done}, {@code failed} or {@code message}; behind the word stand names and values, as in the query of a URL. Properties of a
 * message are those names that begin with {@code p.} and, behind it, the type.
 */
public final class Matrix {
  private Matrix() {}

  public static void main(String[] args) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] parts = line.split(" ", 2);
      Map<String, String> asked = decoded(parts[1]);
      Map<String, String> answer = new LinkedHashMap<>();
      answer.put("id", asked.get("id"));
      try {
        if (parts[0].equals("publish")) publish(asked);
        else subscribe(asked);
        say("done", answer);
      } catch (JMSException | RuntimeException failed) {
        answer.put("why", failed.toString());
        say("failed", answer);
      }
    }
    System.exit(0);
  }

  private static Connection connected(String url) throws JMSException {
    Connection connection = new JmsConnectionFactory(url).createConnection();
    connection.start();
    return connection;
  }

  private static Destination destination(Session session, String address) throws JMSException {
    return address.startsWith("queue/") ? session.createQueue(address) : session.createTopic(address);
  }

  private static void publish(Map<String, String> asked) throws JMSException {
    try (Connection connection = connected(asked.get("url"))) {
      Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Message message = session.createTextMessage(asked.get("body"));
      message.setJMSCorrelationID(asked.get("correlationId"));
      message.setJMSReplyTo(destination(session, asked.get("replyTo")));
      for (Map.Entry<String, String> each : asked.entrySet()) {
        String[] name = each.getKey().split("\\.", 3);
        if (!name[0].equals("p")) continue;
        if (name[1].equals("int")) message.setIntProperty(name[2], Integer.parseInt(each.getValue()));
        else message.setStringProperty(name[2], each.getValue());
      }
      MessageProducer producer = session.createProducer(destination(session, asked.get("address")));
      int priority = Integer.parseInt(asked.get("priority"));
      producer.send(message, DeliveryMode.PERSISTENT, priority, Long.parseLong(asked.get("lifetimeMs")));
    }
  }

  private static void subscribe(Map<String, String> asked) throws JMSException {
    Session session = connected(asked.get("url")).createSession(Session.AUTO_ACKNOWLEDGE);
    String id = asked.get("id");
    session.createConsumer(destination(session, asked.get("address"))).setMessageListener(message -> {
      Map<String, String> told = new LinkedHashMap<>();
      told.put("id", id);
      try {
        tell(message, told);
      } catch (JMSException broken) {
        told.put("body", broken.toString());
      }
      say("message", told);
    });
  }

  private static void tell(Message message, Map<String, String> told) throws JMSException {
    told.put("body", message instanceof TextMessage ? ((TextMessage) message).getText() : textOf((BytesMessage) message));
    told.put("correlationId", message.getJMSCorrelationID());
    told.put("replyTo", nameOf(message.getJMSReplyTo()));
    told.put("durable", String.valueOf(message.getJMSDeliveryMode() == DeliveryMode.PERSISTENT));
    told.put("priority", String.valueOf(message.getJMSPriority()));
    told.put("expiration", String.valueOf(message.getJMSExpiration()));
    Enumeration<?> names = message.getPropertyNames();
    while (names.hasMoreElements()) {
      String name = (String) names.nextElement();
      Object value = message.getObjectProperty(name);
      String type = value instanceof Integer ? "int" : value instanceof String ? "string" : "other";
      told.put("p." + type + "." + name, String.valueOf(value));
    }
  }

  private static String textOf(BytesMessage message) throws JMSException {
    byte[] bytes = new byte[(int) message.getBodyLength()];
    message.readBytes(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static String nameOf(Destination destination) throws JMSException {
    if (destination instanceof Queue) return ((Queue) destination).getQueueName();
    return destination instanceof Topic ? ((Topic) destination).getTopicName() : null;
  }

  private static Map<String, String> decoded(String query) {
    Map<String, String> pairs = new LinkedHashMap<>();
    for (String pair : query.split("&")) {
      String[] parts = pair.split("=", 2);
      pairs.put(URLDecoder.decode(parts[0], StandardCharsets.UTF_8), URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
    }
    return pairs;
  }

  private static void say(String word, Map<String, String> pairs) {
    StringBuilder line = new StringBuilder(word);
    char separator = ' ';
    for (Map.Entry<String, String> each : pairs.entrySet()) {
      if (each.getValue() == null) continue;
      line.append(separator).append(URLEncoder.encode(each.getKey(), StandardCharsets.UTF_8));
      line.append('=').append(URLEncoder.encode(each.getValue(), StandardCharsets.UTF_8));
      separator = '&';
    }
    synchronized (System.out) {
      System.out.println(line);
    }
  }
}
